import type { Script } from './activity';
import { CONSENT_BYPASSES } from './consent-bypass';
import { CONSENT_BYPASS_TWINS } from './consent-bypass-twins';
import { PARTNER_TAKEOVERS } from './partner-takeover';
import { PARTNER_TAKEOVER_TWINS } from './partner-takeover-twins';
import { PORTAL_EXFILTRATIONS } from './portal-exfiltration';
import { PORTAL_EXFILTRATION_TWINS } from './portal-exfiltration-twins';

/** Attacks on the exchange with partners and patients, and their twins. */
export const EXCHANGE_SCRIPTS: readonly Script[] = [
  ...PORTAL_EXFILTRATIONS,
  ...PORTAL_EXFILTRATION_TWINS,
  ...PARTNER_TAKEOVERS,
  ...PARTNER_TAKEOVER_TWINS,
  ...CONSENT_BYPASSES,
  ...CONSENT_BYPASS_TWINS,
];
