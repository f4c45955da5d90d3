"""Handwritten digits: load them, train a classifier, evaluate it, and watch all of it in Comet.

    python examples/pipelines/train_digits.py

Runs on the active stack, which needs an experiment tracker of the flavor `comet_rest`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import train_test_split
from zenml import pipeline, step

from zenml_comet_tracker import current_experiment, log_metrics, log_params

EPOCHS = 40
BATCH_SIZE = 64


@step(experiment_tracker=True, enable_cache=False)
def load(
    seed: int = 0,
) -> tuple[
    Annotated[np.ndarray, "x_train"],
    Annotated[np.ndarray, "x_test"],
    Annotated[np.ndarray, "y_train"],
    Annotated[np.ndarray, "y_test"],
]:
    """The 1,797 pictures of 8 x 8 pixels, scaled to 0..1; a quarter is kept for the evaluation."""
    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.25, random_state=seed, stratify=digits.target
    )
    log_params({"seed": seed, "test_size": 0.25})
    log_metrics({"train_samples": len(x_train), "test_samples": len(x_test)})
    current_experiment().log_image(contact_sheet(digits.images[:40]), name="samples.png")
    return x_train, x_test, y_train, y_test


@step(experiment_tracker=True, enable_cache=False)
def train(
    x_train: np.ndarray, y_train: np.ndarray, learning_rate: float = 0.02, alpha: float = 1e-4, seed: int = 0
) -> Annotated[SGDClassifier, "model"]:
    """Logistic regression by stochastic gradient descent, one pass over the batches an epoch."""
    log_params({"learning_rate": learning_rate, "alpha": alpha, "epochs": EPOCHS, "batch_size": BATCH_SIZE})
    x_fit, x_validation, y_fit, y_validation = train_test_split(x_train, y_train, test_size=0.2, random_state=seed)
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=learning_rate, alpha=alpha, random_state=seed)
    random = np.random.default_rng(seed)
    step_number = 0
    losses: dict[str, list[float]] = {"train": [], "validation": []}

    for epoch in range(1, EPOCHS + 1):
        for batch in np.array_split(random.permutation(len(x_fit)), len(x_fit) // BATCH_SIZE):
            model.partial_fit(x_fit[batch], y_fit[batch], classes=np.arange(10))
            step_number += 1
        for part, x, y in (("train", x_fit, y_fit), ("validation", x_validation, y_validation)):
            loss = log_loss(y, model.predict_proba(x), labels=model.classes_)
            losses[part].append(loss)
            log_metrics({f"{part}_loss": loss, f"{part}_accuracy": model.score(x, y)}, step=step_number, epoch=epoch)

    current_experiment().log_figure("learning-curve.png", learning_curve(losses))
    return model


@step(experiment_tracker=True, enable_cache=False)
def evaluate(model: SGDClassifier, x_test: np.ndarray, y_test: np.ndarray) -> Annotated[float, "accuracy"]:
    """What the model is worth on pictures it has never seen."""
    predicted = model.predict(x_test)
    accuracy = float(model.score(x_test, y_test))
    log_metrics({"test_accuracy": accuracy, "test_f1": f1_score(y_test, predicted, average="macro")})

    experiment = current_experiment()
    experiment.log_confusion_matrix(y_test.tolist(), predicted.tolist(), labels=[str(digit) for digit in range(10)])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "digits.joblib"
        joblib.dump(model, file)
        experiment.log_model("digits", str(file))
    return accuracy


@pipeline
def train_digits() -> None:
    """Load, train, evaluate: three steps, three experiments."""
    x_train, x_test, y_train, y_test = load()
    model = train(x_train, y_train)
    evaluate(model, x_test, y_test)


def contact_sheet(images: np.ndarray, columns: int = 10, zoom: int = 4) -> np.ndarray:
    """Pictures side by side as one grey image of bytes, dark ink on white."""
    rows = [np.hstack(images[start : start + columns]) for start in range(0, len(images), columns)]
    return np.kron(255 - np.vstack(rows) * (255 / 16), np.ones((zoom, zoom))).astype(np.uint8)


def learning_curve(losses: dict[str, list[float]]) -> plt.Figure:
    """Loss against epoch, a line for each part of the data."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for part, values in losses.items():
        axes.plot(range(1, len(values) + 1), values, label=part)
    axes.set(xlabel="epoch", ylabel="loss", title="Logistic regression on digits")
    axes.legend()
    plt.close(figure)
    return figure


if __name__ == "__main__":
    train_digits()
