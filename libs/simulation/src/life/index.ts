import { ACCOUNT_LIFE } from './account-life';
import { BADGE_LIFE } from './badge-life';
import { EXCHANGE_LIFE, PARTNER_DESK_LIFE } from './exchange-life';
import { HOST_LIFE } from './host-life';
import { IMAGING_LIFE } from './imaging-life';
import type { Life } from './life';
import { RECORD_LIFE } from './record-life';
import { SIGN_IN_LIFE } from './sign-in-life';
import { UPKEEP_LIFE } from './upkeep-life';
import { VISIT_LIFE } from './visit-life';
import { WIRELESS_LIFE } from './wireless-life';

/** All kinds of ordinary life, in the order in which they are asked. */
export const LIVES: readonly Life[] = [
  ACCOUNT_LIFE,
  BADGE_LIFE,
  EXCHANGE_LIFE,
  HOST_LIFE,
  IMAGING_LIFE,
  PARTNER_DESK_LIFE,
  RECORD_LIFE,
  SIGN_IN_LIFE,
  UPKEEP_LIFE,
  VISIT_LIFE,
  WIRELESS_LIFE,
];
