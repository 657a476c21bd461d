import json
import tempfile

from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import report_json


class ToContentTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    with tempfile.TemporaryDirectory() as folder:
      report = made_up_results.build_report(
          folder,
          made_up_results.make_results(),
          unfinished=[made_up_results.UNFINISHED],
          diverged=[made_up_results.DIVERGED],
      )
    cls._content = json.loads(json.dumps(report_json.to_content(report)))

  def test_has_rows_and_the_rest_beside_them(self):
    content = self._content
    self.assertEqual(
        [row['algorithm'] for row in content['rows']], ['hidenseek', 'fed_avg']
    )
    self.assertEqual(content['details'][0]['seeds'], [0])
    self.assertEqual(content['details'][0]['options']['clients_per_round'], 5)
    self.assertEqual(content['commands'], [made_up_results.COMMAND])
    self.assertEqual(content['unfinished'][0]['num_rounds'], 4)
    self.assertEqual(content['sweep_metric'], 'global_accuracy')

  def test_says_when_and_why_a_run_diverged(self):
    self.assertEqual(
        self._content['diverged'],
        [
            dict(
                name='digits.iid sign_sgd seed 2',
                round_num=3,
                of_rounds=9,
                reason='`train_loss` is nan',
            )
        ],
    )


if __name__ == '__main__':
  absltest.main()
