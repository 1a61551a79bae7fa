"""Graphs that are interrupted."""

import os
import signal
import threading
import time

import pytest
import tensorflow as tf

from zoo.serving.interruptible import THREAD_NAME, call_interruptibly


def is_running():
    return any(thread.name == THREAD_NAME for thread in threading.enumerate())


@tf.function(autograph=False)
def count_to(number):
    return tf.while_loop(lambda i: i < number, lambda i: [i + 1], [tf.constant(0, tf.int64)])[0]


def test_ctrl_c_ends_a_graph_within_two_seconds():
    forever = tf.constant(2**62, tf.int64)
    count_to(tf.constant(3, tf.int64))
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    began = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call_interruptibly(count_to, forever)
    assert time.monotonic() - began < 0.2 + 2
    deadline = time.monotonic() + 20
    while is_running():
        assert time.monotonic() < deadline, "the graph goes on"
        time.sleep(0.05)
    assert call_interruptibly(count_to, tf.constant(5, tf.int64)).numpy() == 5


def test_calls_after_an_interrupted_trace_are_not_cancelled():
    traced = threading.Event()

    @tf.function(autograph=False)
    def slow(number):
        traced.wait(20)
        return count_to(number)

    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        call_interruptibly(slow, tf.constant(2**62, tf.int64))
    assert is_running()
    assert count_to(tf.constant(4, tf.int64)).numpy() == 4
    traced.set()
    deadline = time.monotonic() + 20
    while is_running():
        assert time.monotonic() < deadline, "the graph goes on"
        time.sleep(0.05)


def test_values_and_errors_are_those_of_the_call():
    assert call_interruptibly(count_to, number=tf.constant(7, tf.int64)).numpy() == 7
    with pytest.raises(tf.errors.InvalidArgumentError):
        call_interruptibly(tf.function(lambda x: tf.gather([1, 2], x)), tf.constant(5))


def test_another_thread_makes_its_calls_itself():
    names = []
    thread = threading.Thread(
        target=call_interruptibly, args=(lambda: names.append(threading.current_thread().name),)
    )
    thread.start()
    thread.join()
    assert names == [thread.name]
