// Only what is drawn is taken from ECharts. Tooltips are drawn on the canvas: nothing of an event becomes markup.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, MarkPointComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, TooltipComponent, MarkPointComponent, CanvasRenderer]);

export { init, type EChartsType };
