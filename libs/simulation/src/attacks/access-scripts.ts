import type { Script } from './activity';
import { BREAK_GLASS_ABUSE } from './break-glass-abuse';
import { CREDENTIAL_STUFFING } from './credential-stuffing';
import { CREDENTIAL_STUFFING_TWINS } from './credential-stuffing-twins';
import { MFA_FATIGUE } from './mfa-fatigue';
import { SESSION_HIJACK } from './session-hijack';
import { STOLEN_TABLET } from './stolen-tablet';

/** Attacks on sign-ins and sessions, and their benign twins. */
export const ACCESS_SCRIPTS: readonly Script[] = [
  ...CREDENTIAL_STUFFING,
  ...CREDENTIAL_STUFFING_TWINS,
  ...MFA_FATIGUE,
  ...STOLEN_TABLET,
  ...SESSION_HIJACK,
  ...BREAK_GLASS_ABUSE,
];
