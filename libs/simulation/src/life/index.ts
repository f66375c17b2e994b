import { ACCOUNT_LIFE } from './account-life';
import { BADGE_LIFE } from './badge-life';
import { DIRECTORY_LIFE } from './directory-life';
import { EXCHANGE_LIFE, PARTNER_DESK_LIFE } from './exchange-life';
import { HOST_LIFE } from './host-life';
import { IMAGING_LIFE } from './imaging-life';
import type { Life } from './life';
import { NETWORK_LIFE } from './network-life';
import { POCKET_LIFE } from './pocket-life';
import { PRESENCE_LIFE } from './presence-life';
import { RECORD_LIFE } from './record-life';
import { SIGN_IN_LIFE } from './sign-in-life';
import { TELEMETRY_LIFE } from './telemetry-life';
import { UPKEEP_LIFE } from './upkeep-life';
import { VISIT_LIFE } from './visit-life';
import { WEARABLE_LIFE } from './wearable-life';
import { WIRELESS_LIFE } from './wireless-life';

/** All kinds of ordinary life, in the order in which they are asked. */
export const LIVES: readonly Life[] = [
  ACCOUNT_LIFE,
  BADGE_LIFE,
  DIRECTORY_LIFE,
  EXCHANGE_LIFE,
  HOST_LIFE,
  IMAGING_LIFE,
  NETWORK_LIFE,
  PARTNER_DESK_LIFE,
  POCKET_LIFE,
  PRESENCE_LIFE,
  RECORD_LIFE,
  SIGN_IN_LIFE,
  TELEMETRY_LIFE,
  UPKEEP_LIFE,
  VISIT_LIFE,
  WEARABLE_LIFE,
  WIRELESS_LIFE,
];
