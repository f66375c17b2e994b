// Reading
export { parseSigmaFile, type SigmaDocument } from './document';
export { sigmaContentsOf, type SigmaContent } from './document-content';
export { compileSigma, type SigmaFile, type SigmaRuleSet } from './rule-set';
export { type SigmaProblem, type SourcePosition } from './problem';
export {
  type SigmaEntityField,
  type SigmaHeader,
  type SigmaLogsource,
  type SigmaRule,
  type SigmaWording,
} from './rule';
export { type CorrelationCondition, type CorrelationType, type SigmaCorrelation } from './correlation';
export { type SigmaFilter } from './filter';
export { CorrelationPlan, type PlannedHit } from './correlation-plan';
export { CorrelationRun, type RaisedCorrelation } from './correlation-run';
export { type ContributingEvent, type CorrelationBounds, type EventRef } from './correlation-window';
export { type CorrelationFiring, type CorrelationHit, type CorrelationTrigger } from './correlator';
// Matching
export { type SigmaMatch } from './match';
export { SigmaMatcher, type SigmaMatcherOptions } from './matcher';
export { fieldPlaceOf, fieldValue, type SigmaRecord } from './record';
export { whyMatched, type MatchedField } from './why-matched';
export { whyNotMatched, type FailedClause, type NearMiss } from './why-not';
// Checking
export { decidingText } from './deciding-text';
export { correlationSilenceOf, silenceOf, type Silence } from './never-fires';
export {
  CASES_MAX,
  CASE_EVENTS_MAX,
  parseRuleCases,
  type CaseEvent,
  type CaseExpectation,
  type RuleCase,
} from './rule-cases';
