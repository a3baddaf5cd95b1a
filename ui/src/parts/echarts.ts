// Only what is drawn is taken from ECharts; what stands below the pointer is said by TimeChart itself, as text.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, MarkPointComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, MarkPointComponent, CanvasRenderer]);

export { init, type EChartsType };
