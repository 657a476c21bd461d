"""Local training of a ReLU net, written a second time: NumPy and float64."""

from typing import Sequence

import attrs
import numpy as np


def compute_logits(kernels, biases, x):
  """Returns the logits and the input of every layer."""
  x = np.asarray(x, np.float64).reshape(len(x), -1)
  inputs = []
  for kernel, bias in zip(kernels, biases):
    if inputs:
      x = np.maximum(x, 0)
    inputs.append(x)
    x = x @ kernel + bias
  return x, inputs


def compute_gradients(kernels, biases, x, y, log_prior=0.0):
  """Returns the mean loss and the gradients of kernels and biases.

  Args:
    kernels: Of each layer, `[inputs, outputs]`.
    biases: Of each layer, `[outputs]`.
    x: Images.
    y: Labels.
    log_prior: What is added to the logits of each class.
  """
  logits, inputs = compute_logits(kernels, biases, x)
  logits = logits + log_prior
  exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
  probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
  rows = np.arange(len(y))
  loss = -np.log(probabilities[rows, y]).mean()
  upstream = probabilities.copy()
  upstream[rows, y] -= 1
  upstream /= len(y)
  gradients = []
  for kernel, layer_input in zip(reversed(kernels), reversed(inputs)):
    gradients.insert(0, (layer_input.T @ upstream, upstream.sum(axis=0)))
    upstream = (upstream @ kernel.T) * (layer_input > 0)
  return loss, [k for k, _ in gradients], [b for _, b in gradients]


@attrs.define
class Optimizer:
  """SGD, SGD with momentum 0.9, or Adam, over a list of arrays."""

  name: str
  learning_rate: float
  num_steps: int = 0
  first: Sequence[np.ndarray] = ()
  second: Sequence[np.ndarray] = ()

  def step(self, values, gradients):
    """Returns the values after one step."""
    if not self.num_steps:
      self.first = [np.zeros_like(g) for g in gradients]
      self.second = [np.zeros_like(g) for g in gradients]
    self.num_steps += 1
    rate = self.learning_rate
    if self.name == 'sgd':
      return [v - rate * g for v, g in zip(values, gradients)]
    if self.name == 'momentum':
      self.first = [
          0.9 * m - rate * g for m, g in zip(self.first, gradients)
      ]
      return [v + m for v, m in zip(values, self.first)]
    self.first = [
        0.9 * m + 0.1 * g for m, g in zip(self.first, gradients)
    ]
    self.second = [
        0.999 * s + 0.001 * g**2 for s, g in zip(self.second, gradients)
    ]
    rate *= np.sqrt(1 - 0.999**self.num_steps) / (1 - 0.9**self.num_steps)
    return [
        v - rate * m / (np.sqrt(s) + 1e-7)
        for v, m, s in zip(values, self.first, self.second)
    ]


@attrs.frozen
class SignMaskedNet:
  """The frozen part of a sign-masked net without biases.

  Attributes:
    shapes: Of the kernels.
    positions: Flat indices of each kernel's kept weights.
    weights: The kept weights where scores are positive.
  """

  shapes: Sequence[Sequence[int]]
  positions: Sequence[np.ndarray]
  weights: Sequence[np.ndarray]

  def kernels(self, scores):
    """Returns the kernels at the layers' scores."""
    kernels = []
    for i, shape in enumerate(self.shapes):
      kernel = np.zeros(np.prod(shape))
      signs = np.where(scores[i] >= 0, 1.0, -1.0)
      kernel[self.positions[i]] = self.weights[i] * signs
      kernels.append(kernel.reshape(shape))
    return kernels

  def train(self, scores, batches, optimizer, log_prior=0.0):
    """Returns the layers' scores after all batches, and the mean loss."""
    biases = [0.0] * len(self.shapes)
    total = 0.0
    for x, y in batches:
      loss, gradients, _ = compute_gradients(
          self.kernels(scores), biases, x, y, log_prior
      )
      total += loss * len(y)
      routed = [
          gradient.ravel()[positions] * weights
          for gradient, positions, weights in zip(
              gradients, self.positions, self.weights
          )
      ]
      scores = optimizer.step(scores, routed)
    return scores, total / sum(len(y) for _, y in batches)

  def count_correct(self, scores, x, y, log_prior=0.0):
    """Returns how many examples are classified correctly."""
    biases = [0.0] * len(self.shapes)
    logits, _ = compute_logits(self.kernels(scores), biases, x)
    return int(((logits + log_prior).argmax(axis=1) == y).sum())


def find_log_prior(labels, num_classes):
  """Returns the log frequencies of classes; -inf where there is none."""
  with np.errstate(divide='ignore'):
    return np.log(np.bincount(labels, minlength=num_classes) / len(labels))


def find_label_skew(labels, num_classes):
  """Returns 1 less the entropy of the labels in units of the greatest."""
  counts = np.bincount(labels)
  frequencies = counts[counts > 0] / len(labels)
  entropy = -(frequencies * np.log(frequencies)).sum()
  return 1 - entropy / np.log(num_classes)


def average_over_rounds(rounds, power):
  """Returns the polynomial-decay average of what each round ended with."""
  newest = (power + 1) / (power + np.arange(1, len(rounds) + 1))
  kept = np.append(np.cumprod((1 - newest)[:0:-1])[::-1], 1)
  return (newest * kept) @ rounds


def draw_batches(data, orders, batch_size):
  """Returns a client's batches, given the order of examples in each epoch."""
  x, y = data['x'].numpy(), data['y'].numpy()
  return [
      (x[order[i : i + batch_size]], y[order[i : i + batch_size]])
      for order in orders
      for i in range(0, len(y), batch_size)
  ]
