// A worker that lays diagrams out, so that typing does not wait for it: DOT in, SVG out.
importScripts("viz-global.js");

const viz = Viz.instance();

onmessage = async ({ data: { id, dot } }) => {
  try {
    postMessage({ id, svg: (await viz).renderString(dot, { format: "svg" }) });
  } catch (error) {
    postMessage({ id, failed: error.message });
  }
};
