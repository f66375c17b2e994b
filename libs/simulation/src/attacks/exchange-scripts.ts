import type { Script } from './activity';
import { CONSENT_BYPASSES } from './consent-bypass';
import { CONSENT_BYPASS_TWINS } from './consent-bypass-twins';
import { OWN_PHONE_SCRIPTS } from './own-phones';
import { PARTNER_TAKEOVERS } from './partner-takeover';
import { PARTNER_TAKEOVER_TWINS } from './partner-takeover-twins';
import { PORTAL_EXFILTRATIONS } from './portal-exfiltration';
import { PORTAL_EXFILTRATION_TWINS } from './portal-exfiltration-twins';
import { WEARABLE_SCRIPTS } from './wearable-clone';

/** Attacks on the exchange with partners and patients, through own phones and wearables too, and their twins. */
export const EXCHANGE_SCRIPTS: readonly Script[] = [
  ...PORTAL_EXFILTRATIONS,
  ...PORTAL_EXFILTRATION_TWINS,
  ...PARTNER_TAKEOVERS,
  ...PARTNER_TAKEOVER_TWINS,
  ...CONSENT_BYPASSES,
  ...CONSENT_BYPASS_TWINS,
  ...OWN_PHONE_SCRIPTS,
  ...WEARABLE_SCRIPTS,
];
