#!/usr/bin/env bash
# dp-accounting's PLDAccountant takes a count with an event, and ignores it where
# the event is randomised response: a hundred of them cost what one does.
#
# dp-accounting 0.6.0.  Randomised response of two answers, at a budget of 1 each
# and for the relation that this event asks for, 100 times: composed with
# `count=100`, or wrapped in a SelfComposedDpEvent of 100, the accountant says
# epsilon 1.0; composed 100 times one by one it says 79.8.  The Renyi accountant,
# given the same count, agrees with the latter (82.5), and the same PLDAccountant
# does count Gaussian events.  So the total of a client that sends a thousand
# randomised bits is that of one bit, without a warning.
#
# Output seen:
#   count=100 1.0
#   self-composed 1.0
#   one by one 79.8
#   Renyi, count=100 82.5
#   Gaussian, count=100 and one by one 10.0 10.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  dp-accounting==0.6.0
cat > "$folder/count.py" <<'PROGRAM'
import math
import dp_accounting as dp
from dp_accounting import pld, rdp

replace_one = dp.NeighboringRelation.REPLACE_ONE
# The event flips a bit by drawing one of both answers at random.
flip = dp.RandomizedResponseDpEvent(2 / (1 + math.e), 2)
gaussian = dp.GaussianDpEvent(10.0)

def epsilon(accountant, *composed):
  for event, count in composed:
    accountant.compose(event, count)
  return round(float(accountant.get_epsilon(1e-5)), 1)

def pld_epsilon(*composed):
  return epsilon(pld.PLDAccountant(replace_one), *composed)

print('count=100', pld_epsilon((flip, 100)))
print('self-composed', pld_epsilon((dp.SelfComposedDpEvent(flip, 100), 1)))
print('one by one', pld_epsilon(*[(flip, 1)] * 100))
print('Renyi, count=100',
      epsilon(rdp.RdpAccountant(neighboring_relation=replace_one), (flip, 100)))
print('Gaussian, count=100 and one by one',
      pld_epsilon((gaussian, 100)), pld_epsilon(*[(gaussian, 1)] * 100))
PROGRAM
cd "$folder"
venv/bin/python count.py 2>/dev/null | tee seen
diff seen - <<'EXPECTED'
count=100 1.0
self-composed 1.0
one by one 79.8
Renyi, count=100 82.5
Gaussian, count=100 and one by one 10.0 10.0
EXPECTED
