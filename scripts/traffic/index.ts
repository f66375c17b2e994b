import { trafficFigures } from './figures';
import { trafficPage } from './traffic-page';
import { trafficPlots } from './traffic-plots';

/** The page and its pictures: path within `docs/explanation` → text. Simulates two weeks, which takes a while. */
export function trafficFiles(): Map<string, string> {
  const figures = trafficFigures();
  return new Map([
    ['simulated-traffic.md', trafficPage(figures)],
    ...[...trafficPlots(figures)].map(([name, text]): [string, string] => [`plots/${name}`, text]),
  ]);
}
