"""The models by name."""

from tff_hidenseek.models import convnets
from tff_hidenseek.models import mlp
from tff_hidenseek.models import resnets

MODELS = {
    'linear': mlp.build_linear,
    'mlp': mlp.build_mlp,
    'lenet': convnets.build_lenet,
    'cnn': convnets.build_cnn,
    'pooled_cnn': convnets.build_pooled_cnn,
    'conv2': convnets.build_conv2,
    'conv4': convnets.build_conv4,
    'conv6': convnets.build_conv6,
    'vgg16': convnets.build_vgg16,
    'resnet18': resnets.build_resnet18,
}
