import { EXCHANGE_LIFE, PARTNER_DESK_LIFE } from './exchange-life';
import type { Life } from './life';

/** All kinds of ordinary life, in the order in which they are asked. */
export const LIVES: readonly Life[] = [EXCHANGE_LIFE, PARTNER_DESK_LIFE];
