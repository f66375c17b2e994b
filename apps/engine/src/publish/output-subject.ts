import {
  detectionSubject,
  lateSubject,
  ruleFailedSubject,
  skewedSubject,
  type Detection,
  type ProtegoEvent,
} from '@protego/contracts';

/** Subject that an event of the engine is published on; undefined for what stays in the log. */
export function outputSubjectOf({ type, site, data }: ProtegoEvent): string | undefined {
  switch (type) {
    case 'detection.raised': {
      const { severity, ruleId, status } = data as unknown as Detection;
      // Whoever receives detections would have to know of every mute to leave it alone.
      return status === 'muted' ? undefined : detectionSubject(site, severity, ruleId);
    }
    case 'pipeline.event-came-late':
      return lateSubject(site, String(data['source']));
    case 'pipeline.event-skewed':
      return skewedSubject(site, String(data['source']));
    case 'pipeline.rule-failed':
      return ruleFailedSubject(site, String(data['ruleId']));
    default:
      return undefined;
  }
}
