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
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
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
    x_train: np.ndarray, y_train: np.ndarray, hidden_units: int = 32, learning_rate: float = 0.002, seed: int = 0
) -> Annotated[MLPClassifier, "model"]:
    """A network with one hidden layer, watched on a part of the training data that it does not learn from."""
    x_fit, x_held, y_fit, y_held = train_test_split(x_train, y_train, test_size=0.2, random_state=seed)
    model = MLPClassifier((hidden_units,), batch_size=BATCH_SIZE, learning_rate_init=learning_rate, random_state=seed)
    log_params({"hidden_units": hidden_units, "learning_rate": learning_rate})
    log_params({"epochs": EPOCHS, "batch_size": BATCH_SIZE, "seed": seed})
    batches = -(-len(x_fit) // BATCH_SIZE)
    losses: dict[str, list[float]] = {"train": [], "validation": []}

    for epoch in range(1, EPOCHS + 1):
        model.partial_fit(x_fit, y_fit, classes=range(10))  # one pass over the data, batch by batch
        for part, x, y in (("train", x_fit, y_fit), ("validation", x_held, y_held)):
            probabilities = model.predict_proba(x)
            loss, accuracy = log_loss(y, probabilities), accuracy_score(y, probabilities.argmax(axis=1))
            log_metrics({f"{part}_loss": loss, f"{part}_accuracy": accuracy}, step=epoch * batches, epoch=epoch)
            losses[part].append(loss)

    current_experiment().log_figure("learning-curve.png", learning_curve(losses))
    return model


@step(experiment_tracker=True, enable_cache=False)
def evaluate(model: MLPClassifier, x_test: np.ndarray, y_test: np.ndarray) -> Annotated[float, "accuracy"]:
    """What the model is worth on pictures it has never seen."""
    predicted = model.predict(x_test)
    accuracy = float(accuracy_score(y_test, predicted))
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
    axes.set(xlabel="epoch", ylabel="loss", title="Learning digits")
    axes.legend()
    plt.close(figure)
    return figure


if __name__ == "__main__":
    train_digits()
