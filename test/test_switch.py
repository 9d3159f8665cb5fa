"""The register of the switch: copies that have heard the same states are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.switch import LAST_SEQUENCE, Switch, SwitchState

STATES = st.builds(
    SwitchState,
    st.integers(0, 4) | st.integers(LAST_SEQUENCE - 1, LAST_SEQUENCE),
    st.booleans(),
    st.sampled_from(["", "/fusion", "/left/fusion"]),
    st.tuples(st.integers(-1, 1), st.integers(0, 1)),
)
# A node's number, and what it is asked or None where it hears what another has told.
STEPS = st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.booleans())), max_size=30)


def made(name="/fusion", now_ns=3_000_000_007):
    return Switch(name, lambda: now_ns)


def test_perception_is_on_until_somebody_is_asked():
    assert made().state == SwitchState(0, True, "", (0, 0))


def test_what_is_asked_holds_over_what_was_known():
    switch = made()
    assert switch.ask(False) == switch.state == SwitchState(1, False, "/fusion", (3, 7))
    assert switch.ask(True).sequence == 2 and switch.enabled
    assert switch.hear(SwitchState(9, False, "/other", (5, 0)))
    assert switch.ask(True) == SwitchState(10, True, "/fusion", (3, 7))


@pytest.mark.parametrize(
    ("known", "heard", "adopted"),
    [
        ((1, True), (2, False), True),
        ((1, False), (2, True), True),
        ((2, True), (1, False), False),
        ((2, False), (1, True), False),
        ((2, True), (2, False), True),
        ((2, False), (2, True), False),
        ((2, False), (2, False), False),
    ],
)
def test_the_later_state_is_taken_and_off_of_two_at_once(known, heard, adopted):
    switch = made()
    switch.hear(SwitchState(*known))
    assert switch.hear(SwitchState(*heard)) is adopted
    assert (switch.state.sequence, switch.enabled) == (heard if adopted else known)


@given(st.lists(STATES), st.randoms(use_true_random=False))
def test_any_order_and_repetition_ends_in_one_state(states, random):
    one, other = made("/one"), made("/other")
    for state in states:
        one.hear(state)
    again = states * 2
    random.shuffle(again)
    for state in again:
        other.hear(state)
    assert one.state == other.state
    assert not one.state.sequence < max((state.sequence for state in states), default=0)


@given(STEPS, st.randoms(use_true_random=False))
def test_nodes_that_tell_what_they_adopt_agree_in_the_end(steps, random):
    """However they are asked and however late they hear, as long as each state told reaches every node."""
    nodes = [made(f"/{number}", number) for number in range(4)]
    inboxes = [[] for _ in nodes]
    asked = []

    def tell(state):
        for inbox in inboxes:
            inbox.append(state)

    def hear(number):
        if inboxes[number]:
            state = inboxes[number].pop(random.randrange(len(inboxes[number])))
            if nodes[number].hear(state):
                tell(state)

    for number, wanted in steps:
        if wanted is None:
            hear(number)
        else:
            asked.append(nodes[number].ask(wanted))
            tell(asked[-1])
    while any(inboxes):
        for number in range(len(nodes)):
            hear(number)
    assert len({node.state for node in nodes}) == 1
    last = max((state.sequence for state in asked), default=0)
    final = [state.enabled for state in asked if state.sequence == last]
    assert nodes[0].enabled is all(final)


@given(st.lists(STATES), st.booleans())
def test_off_can_always_be_said(states, wanted):
    switch = made()
    for state in states:
        switch.hear(state)
    switch.ask(False)
    assert not switch.enabled
    if switch.state.sequence < LAST_SEQUENCE:
        assert switch.ask(wanted).enabled is wanted


def test_what_was_switched_off_with_the_last_sequence_stays_off():
    switch = made()
    switch.hear(SwitchState(LAST_SEQUENCE, True, "/a", (1, 1)))
    assert switch.ask(True) == SwitchState(LAST_SEQUENCE, True, "/a", (1, 1))
    off = switch.ask(False)
    assert (off.sequence, off.enabled) == (LAST_SEQUENCE, False)
    with pytest.raises(ValueError, match="/fusion switched perception off with the last sequence"):
        switch.ask(True)
    assert switch.ask(False) == switch.state == off
