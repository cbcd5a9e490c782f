"""Holds that questions that come at the same time are answered in one go, and each as if it had come alone."""

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from library.errors import IndexUnavailable, InvalidQuery
from library.running import together as module
from library.running.together import Together
from testing.gathering import Held, gathered
from testing.waiting import until


def loudly(questions):
    for question in questions:
        if question.startswith("bad"):
            raise InvalidQuery("nothing_asked") if question == "bad" else ValueError(question)
    return [f"{question}!" for question in questions]


def asking(together, answer, questions, **options):
    return [lambda each=each: together.ask("kind", each, answer, **options) for each in questions]


def test_who_comes_alone_is_answered_at_once_and_nothing_is_kept():
    together, batches = Together(), []
    answers = [together.ask("kind", each, lambda given: batches.append(given) or loudly(given)) for each in "ab"]
    assert answers == ["a!", "b!"] and batches == [["a"], ["b"]] and together._lines == {}


def test_those_who_come_while_one_is_answered_are_answered_together_in_their_order():
    together, held = Together(), Held(loudly)
    assert gathered(together, asking(together, held, "abcd"), held) == ["a!", "b!", "c!", "d!"]
    assert held.given == [["a"], ["b", "c", "d"]] and together._lines == {}


def test_a_batch_has_an_end():
    together, held = Together(), Held(loudly)
    assert gathered(together, asking(together, held, "abcde", most=2), held) == [f"{each}!" for each in "abcde"]
    assert held.given == [["a"], ["b", "c"], ["d", "e"]]


def test_questions_of_another_kind_do_not_wait():
    together, held = Together(), Held(loudly)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(together.ask, "kind", "a", held)
        until(held.begun.is_set)
        assert together.ask("another kind", "b", loudly) == "b!"
        held.let_go.set()
        assert first.result() == "a!"


def test_who_cannot_be_answered_fails_alone_with_the_error_of_their_own_question():
    together, held = Together(), Held(loudly)
    answers = gathered(together, asking(together, held, ["a", "b", "bad", "c", "bad too", "d"]), held)
    assert [answers[place] for place in (0, 1, 3, 5)] == ["a!", "b!", "c!", "d!"]
    assert type(answers[2]) is InvalidQuery and answers[2].message.code == "nothing_asked"
    assert type(answers[4]) is ValueError and str(answers[4]) == "bad too"
    assert "loudly" in "".join(traceback.format_exception(answers[4]))


def test_an_error_of_all_is_told_to_each_and_nobody_asks_again():
    def unreachable(questions):
        if len(questions) > 1:
            raise IndexUnavailable("milvus_refused", uri="somewhere", reason="it is away") from OSError("cut")
        return questions

    together, held = Together(), Held(unreachable)
    first, *others = gathered(together, asking(together, held, "abc", of_all=IndexUnavailable), held)
    assert first == "a" and len(held.given) == 2
    assert [(type(each), str(each), repr(each.__cause__)) for each in others] == [
        (IndexUnavailable, str(others[0]), "OSError('cut')")
    ] * 2
    assert others[0] is not others[1] and "unreachable" in "".join(traceback.format_exception(others[1]))


def test_an_answer_that_lacks_some_is_nobodys():
    together, held = Together(), Held(lambda questions: loudly(questions)[:1])
    assert gathered(together, asking(together, held, "abc"), held) == ["a!", "b!", "c!"]


@pytest.mark.parametrize("leaves", ["b", "c"], ids=["who would answer for all", "another"])
def test_who_leaves_the_line_does_not_hold_up_the_others(leaves, monkeypatch):
    class Leaving(threading.Event):
        def wait(self, timeout=None):
            super().wait(timeout)
            raise KeyboardInterrupt

    class Turn(module._Turn):
        def __init__(self, question):
            super().__init__(question)
            if question == leaves:
                self.called = Leaving()

    monkeypatch.setattr(module, "_Turn", Turn)
    together, held = Together(), Held(loudly)

    def ask(question):
        try:
            return together.ask("kind", question, held)
        except KeyboardInterrupt:
            return "left"

    answers = gathered(together, [lambda each=each: ask(each) for each in "abcd"], held)
    assert answers == ["left" if each == leaves else f"{each}!" for each in "abcd"] and together._lines == {}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("xyz"), st.text(max_size=3)), min_size=1, max_size=12))
def test_whatever_is_asked_at_the_same_time_each_answer_is_that_of_its_question(asked):
    together = Together()

    def answer(kind):
        return lambda questions: [(kind, question) for question in questions]

    with ThreadPoolExecutor(len(asked)) as threads:
        answers = list(threads.map(lambda each: together.ask(each[0], each[1], answer(each[0])), asked))
    assert answers == asked and together._lines == {}
