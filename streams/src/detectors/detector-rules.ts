import type { RuleIdentity } from '../detection-builder';
import { DETECTORS } from './index';

/** What each detector says of itself, in the order of the detectors. */
export const DETECTOR_RULES: readonly RuleIdentity[] = DETECTORS.map(({ rule }) => rule);
