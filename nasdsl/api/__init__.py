"""What `import nasdsl` offers above the stages: costs and compiled networks."""
