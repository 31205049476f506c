// Times as people read them; the exact one is told on hover.
import { language, t } from "../i18n";

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400], ["hour", 3600], ["minute", 60],
];

export function dateOf(time: string | number): Date {
  return new Date(typeof time === "number" ? time * 1000 : time);
}

export function ago(time: Date, now: Date = new Date()): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 60) return seconds > 0 ? t("time.soon") : t("time.now");
  if (Math.abs(seconds) > 30 * 86_400) return time.toLocaleDateString(language.value);
  const words = new Intl.RelativeTimeFormat(language.value, { numeric: "auto" });
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ["minute", 60];
  return words.format(Math.round(seconds / length), unit);
}

// time: seconds since 1970, or a text with date and time.
export function Time({ time }: { time: string | number | null }) {
  if (time === null) return <>{t("time.never")}</>;
  const date = dateOf(time);
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString(language.value)}>
      {ago(date)}
    </time>
  );
}
