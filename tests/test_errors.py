"""Bad input says where, what was given, what is allowed and the cure; its place is added once."""

import json
import pickle

import pytest

from otosome.errors import BadInput, at


def test_a_refusal_says_where_what_and_how_in_words_and_for_machines():
    error = BadInput("is bad", file="a.toml", key="x.y", given="3", allowed=["1", "2"], cure="write 1")
    assert str(error) == "a.toml: x.y: is bad; given: 3; allowed: 1, 2; write 1"
    stated = json.loads(json.dumps(error.as_dict()))
    assert (stated["file"], stated["key"], stated["given"]) == ("a.toml", "x.y", "3")
    assert (stated["allowed"], stated["cure"]) == (["1", "2"], "write 1")


def test_a_place_is_added_where_it_is_known():
    with pytest.raises(BadInput) as refused, at("a.toml", "dose"), at(key="low"):
        raise BadInput("is bad", key="unit", given="3")
    assert str(refused.value) == "a.toml: dose.low.unit: is bad; given: 3"


def test_a_place_is_added_once():
    with pytest.raises(BadInput) as refused, at("study.toml", "insult"), at("noise.toml", "level"):
        raise BadInput("is bad")
    assert (refused.value.file, refused.value.key) == ("noise.toml", "level")


def test_only_bad_input_is_given_a_place():
    with pytest.raises(KeyError) as raised, at("a.toml", "dose"):
        _ = {}["absent"]
    assert raised.value.args == ("absent",)


def test_a_refusal_keeps_its_words_through_another_process():
    error = BadInput("is bad", file="a.toml", key="x", allowed=["1"])
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
