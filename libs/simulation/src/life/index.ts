import { ACCOUNT_LIFE } from './account-life';
import { BADGE_LIFE } from './badge-life';
import { EXCHANGE_LIFE, PARTNER_DESK_LIFE } from './exchange-life';
import type { Life } from './life';
import { SIGN_IN_LIFE } from './sign-in-life';

/** All kinds of ordinary life, in the order in which they are asked. */
export const LIVES: readonly Life[] = [SIGN_IN_LIFE, BADGE_LIFE, ACCOUNT_LIFE, EXCHANGE_LIFE, PARTNER_DESK_LIFE];
