import FormControl from "@mui/material/FormControl";
import InputLabel from "@mui/material/InputLabel";
import MenuItem from "@mui/material/MenuItem";
import Select from "@mui/material/Select";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import { useId } from "react";
import type { ReactNode } from "react";
import { actionRules, actions, reasonLabel, reasons } from "../api/actions.ts";
import type { HistorySettings } from "./history-settings.ts";

export interface HistoryToolbarProps {
  readonly settings: HistorySettings;
  readonly onChange: (settings: HistorySettings) => void;
}

/** Which stock transactions. */
export function HistoryToolbar({ settings, onChange }: HistoryToolbarProps): ReactNode {
  const change = (next: Partial<HistorySettings>): void => onChange({ ...settings, ...next });
  return (
    <Stack direction="row" useFlexGap role="search" aria-label="History" sx={{ flexWrap: "wrap", gap: 1.25 }}>
      <ManyField
        label="Actions"
        values={actions}
        chosen={settings.actions}
        labelOf={(action) => actionRules[action].label}
        onChange={(chosen) => change({ actions: chosen })}
      />
      <ManyField
        label="Reasons"
        values={reasons}
        chosen={settings.reasons}
        labelOf={reasonLabel}
        onChange={(chosen) => change({ reasons: chosen })}
      />
      <TextField
        label="Reference"
        value={settings.reference}
        onChange={({ target }) => change({ reference: target.value })}
        sx={fieldSx}
      />
      <TextField
        label="Done by"
        value={settings.actor}
        onChange={({ target }) => change({ actor: target.value })}
        sx={fieldSx}
      />
      <DayField label="From" value={settings.from} onChange={(from) => change({ from })} />
      <DayField label="To" value={settings.to} onChange={(to) => change({ to })} />
    </Stack>
  );
}

interface ManyFieldProps<Value extends string> {
  readonly label: string;
  readonly values: readonly Value[];
  readonly chosen: readonly Value[];
  readonly labelOf: (value: Value) => string;
  readonly onChange: (chosen: Value[]) => void;
}

function ManyField<Value extends string>(props: ManyFieldProps<Value>): ReactNode {
  const { label, values, chosen, labelOf, onChange } = props;
  const id = useId();
  return (
    <FormControl sx={fieldSx}>
      <InputLabel id={id}>{label}</InputLabel>
      <Select<Value[]>
        multiple
        labelId={id}
        label={label}
        value={[...chosen]}
        onChange={({ target }) => onChange(values.filter((value) => target.value.includes(value)))}
        renderValue={(shown) => shown.map(labelOf).join(", ")}
      >
        {values.map((value) => (
          <MenuItem key={value} value={value}>
            {labelOf(value)}
          </MenuItem>
        ))}
      </Select>
    </FormControl>
  );
}

interface DayFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (day: string) => void;
}

function DayField({ label, value, onChange }: DayFieldProps): ReactNode {
  return (
    <TextField
      label={label}
      type="date"
      value={value}
      onChange={({ target }) => onChange(target.value)}
      slotProps={{ inputLabel: { shrink: true } }}
      sx={fieldSx}
    />
  );
}

const fieldSx = { flex: "1 1 130px", maxWidth: { sm: 190 } } as const;
