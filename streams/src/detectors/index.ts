import { ADDRESS_DISPUTE } from './address-dispute';
import { BEACONING } from './beaconing';
import { CONSENT_BYPASS } from './consent-bypass';
import { oneOfMany, type Detector } from './detector';
import { ENCRYPTION_BURST } from './encryption-burst';
import { FIRST_SEEN_PEER } from './first-seen-peer';
import { LOG_SOURCE_SILENCE } from './log-source-silence';
import { RECORD_ACCESS_DEVIATION } from './record-access-deviation';
import { RELEASE_DRIFT } from './release-drift';
import { SNOOPING } from './snooping';
import { STRANGE_PARTNER_NETWORK } from './strange-partner-network';
import { VOLUME_DRIFT } from './volume-drift';
import { WARD_TRAVEL } from './ward-travel';

/** All detectors, in the order in which they say what they found at the same time. */
export const DETECTORS: readonly Detector[] = [
  oneOfMany(ADDRESS_DISPUTE),
  oneOfMany(BEACONING),
  oneOfMany(CONSENT_BYPASS),
  oneOfMany(ENCRYPTION_BURST),
  oneOfMany(FIRST_SEEN_PEER),
  oneOfMany(LOG_SOURCE_SILENCE),
  oneOfMany(RECORD_ACCESS_DEVIATION),
  oneOfMany(RELEASE_DRIFT),
  ...SNOOPING.map(oneOfMany),
  oneOfMany(STRANGE_PARTNER_NETWORK),
  oneOfMany(VOLUME_DRIFT),
  oneOfMany(WARD_TRAVEL),
];
