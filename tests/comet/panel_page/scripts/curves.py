# A panel as people write them for Comet: nothing in it knows this package.
import pandas as pd
import plotly.graph_objects as go
from comet_ml import API, ui

api = API()
options = api.get_panel_options()
names = api.get_panel_metrics_names()
metric = ui.dropdown("Select a metric:", names, index=names.index(options["metric"]))
others = ui.dropdown("Beside it", names, multiple=True)
log_scale = ui.checkbox("Log scale")
title = ui.input("Title", value="Runs of " + api.get_panel_project_name())

keys = api.get_panel_experiment_keys()
chart = api.get_metrics_for_chart(keys, [metric, *others])
figure, rows = go.Figure(), []
for experiment in api.get_panel_experiments():
    for series in chart[experiment.id]["metrics"]:
        name = f"{experiment.name} {series['metricName']}"
        figure.add_scatter(x=series["steps"], y=series["values"], name=name)
        rows.append({"run": name, "last": series["values"][-1]})
figure.update_layout(title=title, yaxis_type="log" if log_scale else "linear", margin={"t": 60, "b": 40})
ui.display(figure)
ui.display(pd.DataFrame(rows))
ui.display_markdown("**Notes** on the runs")
ui.display("<em id=own>HTML of its own</em>")
print(f"{len(keys)} experiments")
