# A panel as people write them for Comet today.
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from comet_ml import API

st.set_page_config(layout="wide")


@st.cache_data(ttl=60)
def read(key, metric):
    return API().get_experiment_metric(key, metric)


api = API()
st.title("Runs")
with st.sidebar:
    metric = st.selectbox("Metric", api.get_panel_metrics_names(), index=1, key="metric")
st.session_state.seen = st.session_state.get("seen", 0) + 1
frame = pd.DataFrame(
    {"run": experiment.name, "step": point["step"], "value": float(point["metricValue"])}
    for experiment in api.get_panel_experiments()
    for point in read(experiment.id, metric)
)
left, right = st.columns([3, 1])
figure = go.Figure([go.Scatter(x=run["step"], y=run["value"], name=name) for name, run in frame.groupby("run")])
left.plotly_chart(figure, use_container_width=True)
with right:
    st.metric("Best", frame["value"].min(), delta="-1")
    st.info("A *hint* <b>")
with st.expander("Table"):
    st.dataframe(frame)
st.write("A text", {"metric": st.session_state["metric"], "seen": st.session_state.seen})
st.markdown("<style>h1 { color: teal }</style>", unsafe_allow_html=True)
if st.button("Stop"):
    st.stop()
if st.slider("Window", 1, 10, 3) == 3 and not st.toggle("Smooth"):
    st.caption("The end")
