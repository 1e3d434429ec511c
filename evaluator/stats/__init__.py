"""How sure a figure is: intervals, comparisons, agreement; by scipy, statsmodels, scikit-learn and evalica."""
