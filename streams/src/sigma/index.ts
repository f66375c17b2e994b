// Reading
export { parseSigmaFile, type SigmaDocument } from './document';
export { compileSigma, type SigmaFile, type SigmaRuleSet } from './rule-set';
export { type SigmaProblem, type SourcePosition } from './problem';
export {
  type SigmaEntityField,
  type SigmaHeader,
  type SigmaLogsource,
  type SigmaRule,
  type SigmaWording,
} from './rule';
export { type CorrelationCondition, type SigmaCorrelation } from './correlation';
// Matching
export { type SigmaMatch } from './match';
export { SigmaMatcher, type SigmaMatcherOptions } from './matcher';
export { fieldValue, type SigmaRecord } from './record';
export { whyMatched, type MatchedField } from './why-matched';
