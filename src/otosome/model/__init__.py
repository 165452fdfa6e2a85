"""What happens in an ear: the dose on its way, injury and protection, hearing, words."""
