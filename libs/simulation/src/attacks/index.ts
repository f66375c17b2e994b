import type { Script } from './activity';
import { EXCHANGE_SCRIPTS } from './exchange-scripts';

/** Every activity that can be planted. */
export const SCRIPTS: readonly Script[] = [...EXCHANGE_SCRIPTS];
