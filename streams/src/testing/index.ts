export { describeOperatorLifecycle, type OperatorCase } from './operator-lifecycle';
export {
  START_MS,
  collect,
  declarationsOf,
  eventElement,
  jsonCopy,
  logOf,
  loggedEvent,
  shuffled,
  tickEvent,
  watermark,
  type EventSpec,
} from './event-kit';
