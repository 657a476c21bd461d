#!/usr/bin/env bash
# dp-accounting's RdpAccountant, given the order infinity among its orders, says
# that epsilon is 0, whatever was spent.
#
# dp-accounting 0.6.0.  Pure differential privacy is Renyi privacy of infinite
# order, and the accountant's events give their divergence there (randomised
# response its budget).  Converting it to epsilon divides infinity by infinity;
# the result is no number, and becomes an epsilon of 0, with a RuntimeWarning of
# the division alone.  One such order hides what all the finite ones say.
#
# Output seen (ten times randomised response at a budget of 1):
#   orders 2, 10: 10.6
#   orders 2, 10, inf: 0.0
#   order inf: 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  dp-accounting==0.6.0
cat > "$folder/order.py" <<'PROGRAM'
import math
import dp_accounting as dp
from dp_accounting import rdp

flip = dp.RandomizedResponseDpEvent(2 / (1 + math.e), 2)

def epsilon(*orders):
  accountant = rdp.RdpAccountant(
      orders, neighboring_relation=dp.NeighboringRelation.REPLACE_ONE
  )
  accountant.compose(flip, 10)
  return round(float(accountant.get_epsilon(1e-5)), 1)

print('orders 2, 10:', epsilon(2, 10))
print('orders 2, 10, inf:', epsilon(2, 10, math.inf))
print('order inf:', epsilon(math.inf))
PROGRAM
cd "$folder"
venv/bin/python order.py 2>/dev/null | tee seen
diff seen - <<'EXPECTED'
orders 2, 10: 10.6
orders 2, 10, inf: 0.0
order inf: 0.0
EXPECTED
