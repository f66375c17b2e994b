import { ACCESS_SCRIPTS } from './access-scripts';
import type { Script } from './activity';
import { EXCHANGE_SCRIPTS } from './exchange-scripts';

/** Every activity that can be planted. */
export const SCRIPTS: readonly Script[] = [...ACCESS_SCRIPTS, ...EXCHANGE_SCRIPTS];
