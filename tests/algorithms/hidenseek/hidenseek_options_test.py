import unittest

from tff_hidenseek.algorithms.hidenseek import hidenseek_options


class HideNSeekOptionsTest(unittest.TestCase):

  def test_raises_on_choices_there_are_not(self):
    for choices, message in (
        (dict(density=0.0), '`density` must be greater than 0, found 0.0'),
        (dict(density=1.5), '`density` must be at most 1, found 1.5'),
        (dict(pruning='snip'), 'must be one of synflow, .*found .snip'),
        (dict(broadcast='int3'), 'one of float32, tally, half_tally, majority'),
        (dict(votes='bits'), 'one of signs, stochastic_signs, moves, found'),
        (dict(vote_range=0.0), '`vote_range` must be greater than 0'),
        (dict(averaging_power=-1.0), '`averaging_power` must be at least 0'),
        (dict(personal_step='half'), 'must be one of full, skew, found'),
        (dict(layer_rates='slow'), 'one of equal, inverse_scale, found'),
        (dict(vote_epsilon=-1.0), '`vote_epsilon` must be at least 0, found'),
        (dict(vote_epsilon=17.0), '`vote_epsilon` must be at most 16.0, found'),
        (dict(votes_per_round=-1), '`votes_per_round` must be at least 0'),
        (dict(noise_multiplier=-1.0), '`noise_multiplier` must be at least 0'),
        (dict(target_epsilon=-1.0), '`target_epsilon` must be at least 0'),
        (dict(target_delta=0.0), '`target_delta` must be greater than 0'),
        (dict(target_delta=0.5), '`target_delta` must be at most 0.1, found'),
    ):
      with self.assertRaisesRegex(ValueError, message):
        hidenseek_options.HideNSeekOptions(**choices)

  def test_raises_on_choices_that_do_not_go_together(self):
    private = (
        dict(vote_epsilon=1.0),
        dict(noise_multiplier=1.0),
        dict(target_epsilon=1.0),
        dict(secure_sum=True),
    )
    for choices in private:
      with self.assertRaisesRegex(
          ValueError, '`weight_by_examples` must be False where votes are'
      ):
        hidenseek_options.HideNSeekOptions(weight_by_examples=True, **choices)
    for choices in private[1:3]:
      with self.assertRaisesRegex(
          ValueError, '`vote_epsilon` must be 0 where the server adds noise'
      ):
        hidenseek_options.HideNSeekOptions(vote_epsilon=1.0, **choices)
      with self.assertRaisesRegex(
          ValueError, '`aggregation` must not be trimmed where the server adds'
      ):
        hidenseek_options.HideNSeekOptions(aggregation='trimmed', **choices)
    for choices in (private[0], private[3]):
      with self.assertRaisesRegex(
          ValueError, '`upload_coding` must be bits with `vote_epsilon` or'
      ):
        hidenseek_options.HideNSeekOptions(upload_coding='entropy', **choices)
    with self.assertRaisesRegex(
        ValueError, '`noise_multiplier` must be 0 where `target_epsilon` finds'
    ):
      hidenseek_options.HideNSeekOptions(
          noise_multiplier=1.0, target_epsilon=1.0
      )


  def test_signs_take_a_bit_each(self):
    for votes in ('moves', 'stochastic_signs'):
      hidenseek_options.HideNSeekOptions(votes=votes, upload_coding='entropy')
    with self.assertRaisesRegex(
        ValueError,
        "`upload_coding` must be bits with votes=signs, .* found 'entropy'",
    ):
      hidenseek_options.HideNSeekOptions(votes='signs', upload_coding='entropy')


class PrivateLayerNamesTest(unittest.TestCase):

  def _names(self, private_layers):
    return hidenseek_options.private_layer_names(
        hidenseek_options.HideNSeekOptions(private_layers=private_layers),
        ['conv', 'hidden', 'logits'],
    )

  def test_splits_at_commas(self):
    self.assertEqual(self._names(''), [])
    self.assertEqual(self._names('logits,conv'), ['logits', 'conv'])


if __name__ == '__main__':
  unittest.main()
