import { alertsPage } from './alerts-page';
import { watchDay } from './watched-day';

/** The page: path within `docs/explanation` → text. Simulates eight days and watches them, which takes a while. */
export function alertFiles(): Map<string, string> {
  return new Map([['a-day-of-alerts.md', alertsPage(watchDay())]]);
}
