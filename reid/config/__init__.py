"""Settings: frozen dataclasses with ranges, filled from a recipe, a file and `--set key=value`.

Recipes hold only what differs from the defaults. All mistakes are reported at once, each with the full path of its key.
"""

from reid.config.loading import check, load_config, read_recipe, to_settings
from reid.config.sections import Config, DataConfig, EvaluateConfig, ModelConfig
from reid.config.sizes import size_in_bytes
from reid.config.training import DivisionConfig, TrainConfig

__all__ = [
    "Config",
    "DataConfig",
    "DivisionConfig",
    "EvaluateConfig",
    "ModelConfig",
    "TrainConfig",
    "check",
    "load_config",
    "read_recipe",
    "size_in_bytes",
    "to_settings",
]
