import unittest

import tensorflow as tf

from tff_hidenseek.runtimes import graph_rewrites


class GraphRewritesTest(unittest.TestCase):

  def test_pins_iterators_of_functions_to_the_cpu(self):
    graph_def = tf.compat.v1.GraphDef()
    function = graph_def.library.function.add()
    function.node_def.add(op='IteratorGetNextSync', name='next')
    function.node_def.add(op='AddV2', name='add')
    graph_rewrites.pin_host_ops(graph_def)
    self.assertEqual(function.node_def[0].device, '/device:CPU:0')
    self.assertEqual(function.node_def[1].device, '')

  def test_renames_functions_wherever_they_are_named(self):
    graph_def = tf.compat.v1.GraphDef()
    graph_def.library.function.add().signature.name = 'f'
    graph_def.library.gradient.add(function_name='f', gradient_func='g')
    call = graph_def.node.add(op='f', name='call')
    call.attr['body'].func.name = 'f'
    call.attr['branches'].list.func.add().name = 'f'
    call.attr['backward_function_name'].s = b'f'
    graph_rewrites.make_function_names_unique(graph_def)
    name = graph_def.library.function[0].signature.name
    self.assertNotEqual(name, 'f')
    self.assertEqual(graph_def.library.gradient[0].function_name, name)
    self.assertEqual(graph_def.library.gradient[0].gradient_func, 'g')
    self.assertEqual(call.op, name)
    self.assertEqual(call.attr['body'].func.name, name)
    self.assertEqual(call.attr['branches'].list.func[0].name, name)
    self.assertEqual(call.attr['backward_function_name'].s.decode(), name)

  def test_initialises_before_every_node_outside_of_loops(self):
    graph_def = tf.compat.v1.GraphDef()
    graph_def.node.add(op='VarHandleOp', name='variable')
    graph_def.node.add(op='AssignVariableOp', name='assign', input=['variable'])
    graph_def.node.add(op='NoOp', name='init', input=['^assign'])
    graph_def.node.add(op='ReadVariableOp', name='read', input=['variable'])
    graph_def.node.add(op='Enter', name='enter', input=['read'])
    graph_def.node.add(op='Enter', name='enter_inner', input=['enter'])
    graph_def.node.add(op='Neg', name='innermost', input=['enter_inner'])
    graph_def.node.add(op='Exit', name='exit_inner', input=['innermost'])
    graph_def.node.add(op='Neg', name='inside', input=['exit_inner'])
    graph_def.node.add(op='Exit', name='exit', input=['inside'])
    graph_def.node.add(op='Neg', name='after', input=['exit:0'])
    graph_rewrites.order_initialization(graph_def, 'init')
    waiting = [node.name for node in graph_def.node if '^init' in node.input]
    self.assertEqual(waiting, ['read', 'enter', 'after'])

  def test_destroys_variables_after_the_outputs(self):
    graph_def = tf.compat.v1.GraphDef()
    graph_def.node.add(op='VarHandleOp', name='variable')
    graph_def.node.add(op='ReadVariableOp', name='read', input=['variable'])
    names = graph_rewrites.make_variables_local(graph_def, ['read:0'])
    self.assertEqual(names, ['variable/destroy'])
    self.assertEqual(list(graph_def.node[-1].input), ['variable', '^read'])


if __name__ == '__main__':
  unittest.main()
