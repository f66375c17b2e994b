export { describeDetector, foundBy, historyElements, resultsOfDetector, type DetectorCase } from './detector-suite';
export { describeOperatorLifecycle, type OperatorCase } from './operator-lifecycle';
export { NO_KEY, OperatorStream, arrival, logOfArrivals, type MadeOperator, type Reading } from './operator-history';
export { describeOperatorProperties, type PropertyCase } from './operator-properties';
export {
  START_MS,
  collect,
  declarationsOf,
  eventElement,
  jsonCopy,
  logOf,
  loggedEvent,
  numbered,
  shuffled,
  tickEvent,
  watermark,
  type EventSpec,
} from './event-kit';
export { TEST_ARTEFACTS, closedEvent, detectionsAmong, openedEvent, resultsOf, testPipeline } from './pipeline-kit';
