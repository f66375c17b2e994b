export { barChart, type BarChart, type BarRow } from './bar-chart';
export { gridChart, type GridChart, type GridRow } from './grid-chart';
export { lineChart, type Curve, type LineChart } from './line-chart';
export { shiftChart, type ShiftChart, type ShiftRow } from './shift-chart';
export { bytesText, numberText } from './scale';
export {
  badge,
  code,
  details,
  figure,
  html,
  htmlPage,
  joined,
  list,
  note,
  paragraph,
  section,
  table,
  type Content,
  type Html,
  type HtmlColumn,
  type HtmlFigure,
  type HtmlPage,
  type HtmlSection,
  type HtmlTable,
} from './html-page';
