"""The warm process: it has imported torch already and forks itself for every question that a page asks.

A question is a command of ddlab (:mod:`ddlab.subcommand`). A fresh interpreter spends two seconds on ``import torch``
before it begins, and one that exports to ONNX more than that on what torch imports then; a fork has all of it at once.
Whatever goes wrong with the warm process costs only this time: the question is then answered by a fresh interpreter.

Why a fork for every question rather than one process that answers them all: nothing that a question changes (threads,
random numbers, hooks, memory) reaches the next; questions are answered side by side; one that nobody waits for any
more is killed; one that fails takes nobody with it. Why not ``multiprocessing``'s fork server: it lives and dies with
one server, unpickles and calls whatever it is sent, and never ends before its parent.
"""
