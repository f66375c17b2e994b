import { ACCOUNT_LIFE } from './account-life';
import { BADGE_LIFE } from './badge-life';
import type { Life } from './life';
import { RECORD_LIFE } from './record-life';
import { SIGN_IN_LIFE } from './sign-in-life';
import { VISIT_LIFE } from './visit-life';

/** All kinds of ordinary life, in the order in which they are asked. */
export const LIVES: readonly Life[] = [SIGN_IN_LIFE, BADGE_LIFE, ACCOUNT_LIFE, VISIT_LIFE, RECORD_LIFE];
