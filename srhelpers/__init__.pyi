# What `sr.` offers, in the order a reader meets it. Modules are imported on first use (see lazy_loader).
from . import (
    datasets as datasets,
)
from . import (
    degradations as degradations,
)
from . import (
    generators as generators,
)
from . import (
    layers as layers,
)
from . import (
    losses as losses,
)
from . import (
    metrics as metrics,
)
from . import (
    models as models,
)
from . import (
    notebooks as notebooks,
)
from . import (
    plots as plots,
)
from . import (
    runtime as runtime,
)
from . import (
    studies as studies,
)
from . import (
    training as training,
)
from . import (
    upscaling as upscaling,
)
from .runtime import setup as setup

__version__: str
