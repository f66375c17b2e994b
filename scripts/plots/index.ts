export { barChart, type BarChart, type BarRow } from './bar-chart';
export { lineChart, type Curve, type LineChart } from './line-chart';
export { bytesText, numberText } from './scale';
