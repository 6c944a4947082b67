import FormControl from "@mui/material/FormControl";
import FormHelperText from "@mui/material/FormHelperText";
import InputLabel from "@mui/material/InputLabel";
import MenuItem from "@mui/material/MenuItem";
import Select from "@mui/material/Select";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import type { ReactNode } from "react";
import { actionRules, actions, reasonLabel, reasons } from "../api/actions.ts";
import type { FieldProblems, Fields } from "./fields.ts";
import type { TransactionHandle } from "./use-transaction.ts";

export interface TransactionFieldsProps {
  readonly handle: TransactionHandle;
  readonly isLocked: boolean;
  /** What is wrong, once somebody has tried to send it. */
  readonly problems: FieldProblems | null;
}

/** What is moved, how much, and why. */
export function TransactionFields({ handle, isLocked, problems }: TransactionFieldsProps): ReactNode {
  const { fields, change } = handle;
  const text = (name: keyof FieldProblems & keyof Fields): object => ({
    value: fields[name],
    onChange: ({ target }: { target: { value: string } }) => change({ [name]: target.value }),
    disabled: isLocked,
    error: problems?.[name] != null,
    helperText: problems?.[name],
  });
  return (
    <>
      <TextField
        label="Product id"
        {...text("productId")}
        autoFocus={fields.productId === ""}
        slotProps={{ htmlInput: { autoCapitalize: "none", spellCheck: false } }}
      />
      <ActionField {...{ handle, isLocked }} />
      <Stack direction={{ xs: "column", sm: "row" }} spacing={2}>
        <TextField
          label="Quantity"
          {...text("quantity")}
          autoFocus={fields.productId !== ""}
          sx={{ flex: 1 }}
          slotProps={{ htmlInput: { inputMode: "numeric", autoComplete: "off" } }}
        />
        <FormControl disabled={isLocked} sx={{ flex: 1 }}>
          <InputLabel id="reason">Reason</InputLabel>
          <Select
            labelId="reason"
            label="Reason"
            value={fields.reason}
            onChange={({ target }) => change({ reason: target.value })}
          >
            <MenuItem value="">None</MenuItem>
            {reasons.map((reason) => (
              <MenuItem key={reason} value={reason}>
                {reasonLabel(reason)}
              </MenuItem>
            ))}
          </Select>
        </FormControl>
      </Stack>
      <TextField label="Reference" placeholder="Order, delivery note, ticket" {...text("reference")} />
      <TextField label="Note" multiline minRows={2} maxRows={6} {...text("note")} />
    </>
  );
}

function ActionField({ handle: { fields, change }, isLocked }: Omit<TransactionFieldsProps, "problems">): ReactNode {
  return (
    <FormControl disabled={isLocked}>
      <ToggleButtonGroup
        exclusive
        value={fields.action}
        onChange={(_event, action) => {
          if (action !== null) change({ action });
        }}
        disabled={isLocked}
        color="primary"
        size="small"
        aria-label="Action"
        aria-describedby="action-hint"
        sx={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(96px, 1fr))", gap: 0.75 }}
      >
        {actions.map((action) => (
          <ToggleButton key={action} value={action} sx={buttonSx}>
            {actionRules[action].label}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
      <FormHelperText id="action-hint">{actionRules[fields.action].hint}</FormHelperText>
    </FormControl>
  );
}

const buttonSx = {
  "&&": { m: 0, borderRadius: 1, border: 1, borderColor: "divider", textTransform: "none", fontWeight: 600 },
  "&&:not(.Mui-disabled)": { color: "text.primary" },
  // A group of MUI's takes the left border of a disabled one away.
  "&&.Mui-disabled": { border: 1, borderColor: "divider" },
  "&&.Mui-selected": { borderColor: "primary.main" },
  "&&.Mui-selected:not(.Mui-disabled)": { color: "primary.main" },
} as const;
