"""What our own documents show of what is computed: ``make docs``."""
