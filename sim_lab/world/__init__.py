"""The truth of the twin: liquids, labware, heat, light. Only the wires of the devices change or sense it."""
