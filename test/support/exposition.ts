/** A metric as Prometheus reads it. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

/** One of its lines: a histogram's have names that end in _bucket, _sum and _count. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleLine = /^([a-z_]\w*)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)+)\})? (\S+)$/;

/** Reads Prometheus's text format. @throws Error for a line that is not of it, or that belongs to no metric */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  const helps = new Map<string, string>();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, about = "", named = "", told = ""] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
    if (about === "HELP") helps.set(named, told);
    else if (about === "TYPE") families.set(named, { type: told, help: helps.get(named) ?? "", samples: [] });
    else addSample(families, line);
  }
  return families;
}

function addSample(families: ReadonlyMap<string, Family>, line: string): void {
  const [, name = "", labels = "", value = ""] = sampleLine.exec(line) ?? [];
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  if (family === undefined || !/^([+-]Inf|[Nn]a[Nn]|-?\d+(\.\d+)?(e[+-]\d+)?)$/.test(value))
    throw new Error(`Not of Prometheus's text format: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = "", text = ""]) => [label, text]);
  family.samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value.replace("Inf", "Infinity")) });
}

/** The sum of the samples of that name that have these labels. */
export function sumOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  const samples = (family?.samples ?? []).filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return samples.reduce((sum, { value }) => sum + value, 0);
}
