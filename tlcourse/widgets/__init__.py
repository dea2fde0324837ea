"""Views: all that imports ipywidgets (7.7 or 8) and anywidget."""

from tlcourse.widgets.catalogue_explorer import CatalogueExplorer
from tlcourse.widgets.feature_map_viewer import FeatureMapViewer
from tlcourse.widgets.fetch_button import FetchButton
from tlcourse.widgets.freeze_panel import FreezePanel
from tlcourse.widgets.learning_rate_explorer import LearningRateExplorer
from tlcourse.widgets.pictures import (
    Cut,
    ForgettingDial,
    LabelSlider,
    Prompt,
    Teach,
)
from tlcourse.widgets.prediction import predict
from tlcourse.widgets.teaching_panel import TeachingPanel
from tlcourse.widgets.transfer_explorer import TransferExplorer

__all__ = ["CatalogueExplorer", "FeatureMapViewer", "FetchButton", "FreezePanel"]
__all__ += ["LearningRateExplorer", "Teach", "TeachingPanel", "TransferExplorer"]
__all__ += ["Cut", "ForgettingDial", "LabelSlider", "Prompt", "predict"]
