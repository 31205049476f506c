// A job as it goes on: the server sends what changes, and the browser asks again when it was cut off.
import { useEffect, useState } from "preact/hooks";
import { url } from "../../api/client";
import type { Job } from "../../api/types";

export interface LogLine {
  number: number;
  at: number;
  level: string;
  text: string;
}

const ENDED: readonly Job["state"][] = ["done", "failed", "cancelled"];
const MOST_LINES = 2000; // on the page; the log itself keeps more
const AGAIN_MS = 3000;

export function hasEnded(job: Job): boolean {
  return ENDED.includes(job.state);
}

// Follow a job until it ends. onState gets what is new; an event does not repeat owner and dataset.
export function follow(id: string, onState: (job: Partial<Job>) => void, onLine?: (line: LogLine) => void): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  function open(): void {
    source = new EventSource(url(`/jobs/${id}/events`));
    source.addEventListener("state", (event) => onState(JSON.parse((event as MessageEvent<string>).data)));
    source.addEventListener("log", (event) => onLine?.(JSON.parse((event as MessageEvent<string>).data)));
    source.addEventListener("end", stop);
    source.onerror = () => {
      // a stream that was cut off comes back by itself; one that was refused does not
      if (stopped || source?.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, AGAIN_MS);
    };
  }
  function stop(): void {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  }
  open();
  return stop;
}

export function useJob(job: Job, onEnd: (job: Job) => void): Job {
  const [news, setNews] = useState<Partial<Job>>({});
  const now = { ...job, ...(news.id === job.id ? news : {}) };
  const running = !hasEnded(job);
  useEffect(() => {
    if (!running) return;
    return follow(job.id, (state) => {
      setNews(state);
      if (state.state !== undefined && ENDED.includes(state.state)) onEnd({ ...job, ...state });
    });
  }, [job.id, running]);
  return running ? now : job;
}

export function useLog(id: string): readonly LogLine[] {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  useEffect(() => {
    setLines([]);
    const known = new Set<number>(); // a stream that starts anew repeats them
    return follow(id, () => {}, (line) => {
      if (known.has(line.number)) return;
      known.add(line.number);
      setLines((before) => [...before, line].slice(-MOST_LINES));
    });
  }, [id]);
  return lines;
}
