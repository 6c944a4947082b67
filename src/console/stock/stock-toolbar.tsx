import Chip from "@mui/material/Chip";
import FormControl from "@mui/material/FormControl";
import InputAdornment from "@mui/material/InputAdornment";
import InputLabel from "@mui/material/InputLabel";
import MenuItem from "@mui/material/MenuItem";
import Select from "@mui/material/Select";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import { useDeferredValue, useEffect, useState } from "react";
import type { ReactNode } from "react";
import { StockOrder } from "../generated/operations.ts";
import { SearchIcon } from "../icons.tsx";
import { lowAtDefault } from "./list-settings.ts";
import type { ListSettings, ListSettingsHandle } from "./list-settings.ts";

const orderLabels: Readonly<Record<StockOrder, string>> = {
  PRODUCT_ID: "Product id",
  AVAILABLE: "Fewest first",
  UPDATED_AT_DESC: "Last changed",
};

/** Which stocks, and in which order. */
export function StockToolbar({ settings, change }: ListSettingsHandle): ReactNode {
  const { lowAt, onlyAllocated, order } = settings;
  return (
    <Stack direction="row" useFlexGap sx={{ flexWrap: "wrap", gap: 1.25, alignItems: "center" }} role="search">
      <PrefixField prefix={settings.prefix} change={change} />
      <Chip
        label="Low stock"
        onClick={() => change({ lowAt: lowAt === null ? lowAtDefault : null })}
        color={lowAt === null ? "default" : "primary"}
        variant={lowAt === null ? "outlined" : "filled"}
        aria-pressed={lowAt !== null}
      />
      {lowAt !== null && <LowAtField lowAt={lowAt} change={change} />}
      <Chip
        label="Allocated"
        onClick={() => change({ onlyAllocated: !onlyAllocated })}
        color={onlyAllocated ? "primary" : "default"}
        variant={onlyAllocated ? "filled" : "outlined"}
        aria-pressed={onlyAllocated}
      />
      <FormControl sx={{ flex: { xs: "1 1 120px", sm: "0 0 160px" } }}>
        <InputLabel id="stock-order">Order</InputLabel>
        <Select
          labelId="stock-order"
          label="Order"
          value={order}
          onChange={({ target }) => change({ order: target.value })}
        >
          {Object.values(StockOrder).map((value) => (
            <MenuItem key={value} value={value}>
              {orderLabels[value]}
            </MenuItem>
          ))}
        </Select>
      </FormControl>
    </Stack>
  );
}

interface FieldProps {
  readonly change: (change: Partial<ListSettings>) => void;
}

/** Searches while one types, when the typing lets it. */
function PrefixField({ prefix, change }: FieldProps & { readonly prefix: string }): ReactNode {
  const [text, setText] = useState(prefix);
  const [sent, setSent] = useState(prefix);
  const settled = useDeferredValue(text);
  if (prefix !== sent) {
    // The address changed by other means: the way back, a link.
    setSent(prefix);
    setText(prefix);
  }
  useEffect(() => {
    if (settled === sent) return;
    const timer = setTimeout(() => {
      setSent(settled);
      change({ prefix: settled });
    }, 150);
    return () => clearTimeout(timer);
  }, [settled, sent, change]);
  return (
    <TextField
      label="Search by product id"
      placeholder="Begins with …"
      value={text}
      onChange={(event) => setText(event.target.value)}
      type="search"
      sx={{ flex: { xs: "1 1 100%", sm: "1 1 220px" }, maxWidth: { sm: 360 } }}
      slotProps={{
        htmlInput: { maxLength: 255, autoCapitalize: "none", spellCheck: false },
        input: {
          startAdornment: (
            <InputAdornment position="start">
              <SearchIcon fontSize="small" />
            </InputAdornment>
          ),
        },
      }}
    />
  );
}

function LowAtField({ lowAt, change }: FieldProps & { readonly lowAt: number }): ReactNode {
  return (
    <TextField
      label="at most"
      type="number"
      value={lowAt}
      onChange={({ target }) => {
        if (/^\d{1,9}$/.test(target.value)) change({ lowAt: Number(target.value) });
      }}
      sx={{ width: 96 }}
      slotProps={{ htmlInput: { min: 0, inputMode: "numeric", "aria-label": "Low stock is at most" } }}
    />
  );
}
